"""Sends a photo to a gate with the official Tencent Cloud SDK (pip install tencentcloud-sdk-python-ocr).

Run it with: python examples/official_sdk.py HOST:PORT SECRET_ID SECRET_KEY PHOTO
"""

import base64
import json
import sys
from pathlib import Path

from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.ocr.v20181119.models import LicensePlateOCRRequest
from tencentcloud.ocr.v20181119.ocr_client import OcrClient

ENDPOINT, SECRET_ID, SECRET_KEY, PHOTO = sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])

# Only protocol and endpoint differ from a program that uses the cloud.
profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=ENDPOINT))
client = OcrClient(Credential(SECRET_ID, SECRET_KEY), "ap-guangzhou", profile)
request = LicensePlateOCRRequest()
request.from_json_string(json.dumps({"ImageBase64": base64.b64encode(PHOTO.read_bytes()).decode()}))
response = client.LicensePlateOCR(request)
print(response.Number, response.Confidence)
