"""What all providers' signatures are made of: RSA and certificates. Pure; knows no provider's protocol."""
