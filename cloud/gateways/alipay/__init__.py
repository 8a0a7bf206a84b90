"""Alipay's face-to-face payment over its classic protocol (form out, signed JSON back)."""
