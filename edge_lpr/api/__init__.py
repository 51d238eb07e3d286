"""Tencent Cloud's LicensePlateOCR on the device, over HTTP and over MQTT."""
