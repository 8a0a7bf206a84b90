"""What is plugged into the till: clocks, keys, codes and printers. Knows no Qt and no SQL."""
