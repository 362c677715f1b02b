-- journal: the one place where an account's journal grows (docs/data-model.md, j). A fragment of the libraries of all who write
-- to it: only local functions.

-- The entry number n, of a caller that counts by itself and writes `j` of the account's n at its end.
local function journal_put(tag, n, packed)
	redis.call('XADD', tag .. ':j', string.format('%.0f-0', n), 'e', packed)
end

-- Writes one packed entry as the journal's next; its number.
local function journal_add(tag, packed)
	local n = redis.call('HINCRBY', tag .. ':n', 'j', 1)
	journal_put(tag, n, packed)
	return n
end
