"""Reads the plates of one photo.

Run it with: python examples/read_photo.py PHOTO
"""

import sys

from edge_lpr import PlateReader, load_image

reader = PlateReader.open()
for reading in reader.read(load_image(sys.argv[1])):
    print(f"{reading.number}  {reading.color}  confidence {reading.confidence}  {reading.rect}")
