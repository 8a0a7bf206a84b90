"""What can be built of UnionPay without a contract: its signature and which code is a customer's."""
