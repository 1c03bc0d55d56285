"""The eye: frames from a camera, a webcam, a video or pictures, and what they say of the eye itself."""
