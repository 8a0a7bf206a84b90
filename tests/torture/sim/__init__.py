"""SIM: tills and one cloud, all real but for clock, network and disk, driven by seeds."""
