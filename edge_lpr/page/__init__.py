"""The live page: the camera's picture with its readings, advice, the lane to draw, the last passages, health.

    frame loop -> scene buffer -> live view (one encoding for all viewers) -> browser
                  recent passages, with the crops of evidence/             -> browser
    browser -> security (rate, origin, session, CSRF) -> routes -> backend -> settings file -> reload

Without viewers the frame loop only compares two times for each frame that it reads, and no picture is encoded. With
viewers one picture at a time is scaled down and encoded, at most ``page.fps`` times per second for all of them.
"""
