-- Where closed generations of the PostgreSQL log ended; the log itself knows where the current ones stand.
SELECT topic, generation, partition, next_offset
FROM book.partition JOIN book.generation USING (topic, generation)
WHERE closed AND log = 'postgresql'
