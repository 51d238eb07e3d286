"""The live page: the camera's picture with its readings, advice, the lane to draw, the last passages, health.

    gate -> link -> live view (one encoding for all viewers)               -> browser
                  recent passages, with the crops of evidence/             -> browser
    browser -> security (rate, origin, session, CSRF) -> routes -> backend -> settings file -> reload

It runs in the server's process. Without viewers no frame leaves the gate's process and no picture is encoded. With
viewers one picture at a time is scaled down and encoded, at most ``page.fps`` times per second for all of them.
"""
