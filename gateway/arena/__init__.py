"""Two answers to one prompt, side by side and unnamed: votes make ratings of our own. It picks no winner itself."""
