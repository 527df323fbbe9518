-- Where left generations ended in the book; the log itself knows where the current ones stand.
SELECT topic, generation, partition, next_offset
FROM book.partition WHERE closed
