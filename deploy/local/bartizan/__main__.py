"""`python -m bartizan`."""

from bartizan.main import main

main()
