"""The live page: what the camera sees and what is read, advice in words, the lane to draw, the last passages, health.

    frame loop ─▶ watch ─▶ live (one encoding for all viewers) ─▶ browser
                  recent ─▶ passages, with the crops of evidence/ ─▶ browser
    browser ─▶ guard (rate, origin, session, CSRF) ─▶ app ─▶ settings file ─▶ reload

While nobody watches, the frame loop's share is one look at a clock for each frame that it reads. With viewers, one
picture at a time is made smaller and encoded, at most ``page.fps`` times a second, however many of them there are.
"""
