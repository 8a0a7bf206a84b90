"""What must hold, from wide (architecture) to narrow (e2e). See ARCHITECTURE.md, "Tests"."""
