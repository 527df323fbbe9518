-- The next offset of each partition of the book.
SELECT topic, generation, partition, next_offset FROM book.partition WHERE NOT closed OR next_offset > 0
