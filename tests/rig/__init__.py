"""The station on the real picamera2, before libcamera's virtual camera; run by tools/rig-camera."""
