"""Make-believe Alipay and WeChat Pay: servers of the published protocols with faults on demand.

They share no line with the gateways: they verify our signatures and sign their answers by their own
arithmetic, so that a mistake in ours cannot hide in theirs.
"""
