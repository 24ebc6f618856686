"""A made-up month of two teams that read papers: the people, their papers, the story and its transcript."""
