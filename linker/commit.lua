-- commit.lua: the linker's commit, all or nothing, of at most 64 messages of one account.
--
-- linker_1_commit   key {a:<company>/<account>}   arguments: generation, now_ms, then for each message a packed array
--   [id, mode 0|1, screened 0|1, received_ms, bits of the record, bits for the thread (1 received, 2 sent), [person...],
--    person of record or '', item kind or '', item id, reason or '', default sharing `s|p`, subject, [id key...] own first,
--    submission or '', and parts of the record, packed already: received_ms to people; decision; card; its way: pushed
--    ms, proposed ms, us of parsing, drives; and what came back (linker/back.lua): [[address, status]...], Message-ID,
--    From]
--   -> `gone` (another generation; nothing written), or
--     `ok`, [status of each message], first journal number, [packed journal entries from that number on], merges
--   status: `committed`; `known` (was committed before: only the ledger entry goes); `dead` (deleted here: likewise);
--   `screened` (counted once, nothing else); `reparsed`, `absent` (mode 1: replaced the facts; no such message).
-- Twice is safe: the second time every message is `known`, `dead` or `screened`.
--
-- A thread is founded by the first message with none of its id keys in a living thread. All id keys of a deleted thread
-- lead to the new one from then on (its 10-byte id becomes a key of `i`; readers do not follow that), so the partition
-- stays that of the ids alone.
-- tm:<thread> is there exactly for threads of two and more messages; the member of a thread of one is its last_id.

local RECORD_HEAD = '\155\1' -- an array of 11, version 1
local MANUAL_UNLINK = '\145\173manual_unlink' -- {'manual_unlink'}

-- Everything a commit reads, at once, and what it will write.
local function commit_open(tag, now, messages)
	local ids, keys = {}, {}
	for _, m in ipairs(messages) do
		ids[#ids + 1] = m[1]
		if m[2] == 0 and m[3] == 0 then
			for _, key in ipairs(m[14]) do
				keys[#keys + 1] = key
			end
		end
	end
	local acct = redis.call('HMGET', tag .. ':acct', 'user', 'sharing')
	local counts = redis.call('HMGET', tag .. ':n', 'j')
	return {tag = tag, now = now, ids = ids, owner = acct[1] or '', sharing = acct[2],
		n = tonumber(counts[1] or '0'), records = hash_get(tag .. ':m', ids), tombs = hash_get(tag .. ':dead', ids),
		threads = {}, alias = {}, views = {}, scores = {}, key_thread = hash_get(tag .. ':i', keys), key_set = {},
		record_set = {}, entries = {}, alias_set = {}, rehome_set = {}, members = {}, absorbed = {}, seen = {},
		backs = {}, committed = 0, screened = 0, merges = 0}
end

-- The thread an id leads to at this moment of the commit; false for one that was deleted; and the last id of the chain.
local function commit_thread(c, id)
	while true do
		local next_id = c.alias[id]
		if next_id == nil then
			next_id = redis.call('HGET', c.tag .. ':al', id)
			c.alias[id] = next_id
		end
		if not next_id then
			break
		end
		id = next_id
	end
	if c.threads[id] == nil then
		local packed = redis.call('HGET', c.tag .. ':t', id)
		c.threads[id] = packed and thread_unpack(id, packed, redis.call('HGET', c.tag .. ':tu', id))
		c.views[id] = packed and thread_views(c.threads[id])
		c.scores[id] = packed and c.threads[id].last_ms
	end
	return c.threads[id], id
end

-- As above, and from a deleted thread on to the one that took over its id keys.
local function commit_heir(c, id)
	local t, root = commit_thread(c, id)
	while not t do
		local heir = c.key_set[root] or redis.call('HGET', c.tag .. ':i', root)
		if not heir then
			break
		end
		t, root = commit_thread(c, heir)
	end
	return t, root
end

local function commit_entry(c, packed)
	c.n = c.n + 1
	c.entries[#c.entries + 1] = packed
	return c.n
end

local function commit_member(c, t, ms, id)
	c.members[t.id] = c.members[t.id] or {}
	local list = c.members[t.id]
	list[#list + 1] = string.format('%.0f', ms)
	list[#list + 1] = id
end

-- Manual over automatic over the older thread's (THR-04). The link that was dropped, or nil.
local function merge_link(a, b)
	local winner, loser = thread_link(a), thread_link(b)
	if loser and (not winner or (loser[3] == 'm' and winner[3] ~= 'm')) then
		winner, loser = loser, winner
		a.link = winner
	end
	if winner and winner[1] ~= '' then
		a.skipped = nil
	else
		a.skipped = winner and 'manual_unlink' or a.skipped or b.skipped
	end
	if loser and loser[1] ~= '' and not (winner[1] == loser[1] and winner[2] == loser[2]) then
		return {loser[1], loser[2], loser[3]}
	end
end

local function merge_person(a, b)
	local winner, loser = thread_person(a), thread_person(b)
	if loser and (not winner or (loser[2] == 'm' and winner[2] ~= 'm')) then
		a.person = loser
	end
end

local function merge_place(a, b, n)
	local inbox = thread_in_inbox(a) or thread_in_inbox(b)
	local archived_a, archived_b = thread_archived(a), thread_archived(b)
	local bits = bit.band(bit.bor(a.bits, b.bits), 3)
	local archived = archived_a and archived_b
	if bit.band(bits, 1) ~= 0 then
		archived = not inbox
	end
	a.bits = bits + (archived and 4 or 0)
	a.inbox_n = n
end

local function newer(ms, id, t)
	return ms > t.last_ms or (ms == t.last_ms and id > t.last_id)
end

local function merge_members(c, a, b)
	if a.count == 1 then
		commit_member(c, a, a.last_ms, a.last_id)
	end
	if b.count == 1 then
		commit_member(c, a, b.last_ms, b.last_id)
	end
	if b.count > 1 then
		c.rehome_set[b.id] = a.id
	end
	a.count = a.count + b.count
	a.sent_ms = math.max(a.sent_ms, b.sent_ms)
	if newer(b.last_ms, b.last_id, a) then
		a.last_ms, a.last_id = b.last_ms, b.last_id
	end
end

-- b is absorbed by a.
local function commit_merge(c, a, b)
	local n = c.n + 1
	local dropped = merge_link(a, b)
	merge_person(a, b)
	if thread_sharing(a) == 's' and thread_sharing(b) == 'p' then
		a.sharing, a.sharing_n = 'p', n
	end
	merge_place(a, b, n)
	merge_members(c, a, b)
	people_add(a.people, b.people)
	c.threads[b.id] = false
	c.absorbed[#c.absorbed + 1] = b.id
	c.alias[b.id], c.alias_set[b.id] = a.id, a.id
	c.merges = c.merges + 1
	commit_entry(c, '\150' .. cmsgpack.pack('g', c.now, a.id, b.id, thread_summary(a, c.owner), dropped))
end

-- The living threads that a message's id keys lead to, oldest first, and the dead ends.
local function commit_find(c, keys)
	local found, dead, seen = {}, {}, {}
	for _, key in ipairs(keys) do
		local id = c.key_thread[key]
		if id then
			local t, root = commit_heir(c, id)
			if not seen[root] then
				seen[root] = true
				local list = t and found or dead
				list[#list + 1] = t or root
			end
		end
	end
	table.sort(found, function(a, b)
		return a.first_n < b.first_n
	end)
	return found, dead
end

-- `s` or `p` as was asked for with a message sent from here, else nil.
local function chosen_sharing(c, m)
	local entry = m[15] ~= '' and redis.call('HGET', c.tag .. ':o', m[15])
	local chosen = entry and cmsgpack.unpack(entry)[6]
	return (chosen == 'shared' or chosen == 'private') and chosen:sub(1, 1) or nil
end

-- A copy of what was sent privately can come in before the message itself: its thread is private from here on.
local function came_back_first(c, m, t, known, n)
	if known and t.sharing == 's' and chosen_sharing(c, m) == 'p' then
		t.sharing, t.sharing_n = 'p', n
	end
end

local function sharing_of(c, m)
	return chosen_sharing(c, m) or (c.sharing == 'shared' or c.sharing == 'private') and c.sharing:sub(1, 1) or m[12]
end

local function commit_found(c, m)
	local n = c.n + 1
	local t = {id = m[1], first_n = n, last_ms = m[4], count = 0, bits = 0, subject = m[13], sharing = sharing_of(c, m),
		sharing_n = n, people = {}, last_id = m[1], inbox_n = n, sent_ms = 0, user = {}}
	c.threads[t.id] = t
	c.views[t.id] = false
	c.alias[t.id] = false
	return t
end

-- LNK-06. The decision as it is kept with the message, packed; true if the thread was linked by it.
local function commit_link(c, t, m, n)
	local link = thread_link(t)
	local reason, decision = m[11], m[17]
	if link and link[1] == '' and reason ~= 'manual_mode' then
		reason, decision = 'manual_unlink', MANUAL_UNLINK
	end
	if link and link[1] ~= '' then
		t.skipped = nil
		return decision, false
	elseif reason ~= '' then
		t.skipped = reason
		return decision, false
	end
	t.link, t.skipped = {m[9], m[10], 'a', c.now, n}, nil
	return decision, true
end

local function commit_record(c, id, packed)
	c.record_set[#c.record_set + 1] = id
	c.record_set[#c.record_set + 1] = packed
	c.records[id] = packed
end

local function commit_extend(c, t, m, n)
	if t.count == 1 then
		commit_member(c, t, t.last_ms, t.last_id)
	end
	if t.count >= 1 then
		commit_member(c, t, m[4], m[1])
	end
	t.count = t.count + 1
	if newer(m[4], m[1], t) then
		t.last_ms, t.last_id = m[4], m[1]
	end
	t.bits = bit.bor(t.bits, m[6])
	if bit.band(m[6], 1) ~= 0 then
		t.bits, t.inbox_n = bit.band(t.bits, 3), n
	end
	if bit.band(m[6], 2) ~= 0 then
		t.sent_ms = math.max(t.sent_ms, m[4])
	end
	people_add(t.people, m[7])
	if m[8] ~= '' and not thread_person(t) then
		t.person = {m[8], 'a', n}
	end
end

-- Bits of the journal's `m` entry.
local function entry_bits(m, t, fresh, had_sent, linked)
	local automatic = bit.band(m[5], 4 + 8)
	local bits = (fresh and 1 or 0) + (bit.band(m[5], 1) * 2) + (linked and 4 or 0) + (t.skipped and 8 or 0)
	if had_sent and bit.band(m[5], 1) == 0 and automatic == 0 then
		bits = bits + 16
	end
	return bits + automatic * 8
end

-- How long ago the message passed the stages before: ms since the push and since the proposal, us of parsing, drives.
local function commit_way(c, m)
	return {math.max(0, c.now - (m[19] or 0)), math.max(0, c.now - (m[20] or 0)), m[21] or 0, m[22] or 0}
end

-- The journal's entry of a message. before: sent_ms of its thread before it.
local function message_entry(c, m, t, bits, before)
	local entry = {'m', c.now, m[1], t.id, bits, thread_summary(t, c.owner), commit_way(c, m)}
	local back = commit_back(c, m)
	local answered = bit.band(bits, 16) ~= 0 and before > 0 and m[4] >= before
	if back or answered then
		entry[8], entry[9] = back or {}, answered and m[4] - before or -1
	end
	return cmsgpack.pack(entry)
end

local function commit_message(c, m)
	local found, dead = commit_find(c, m[14])
	local fresh, known = #found == 0, c.key_thread[m[14][1]]
	local t = found[1]
	for i = 2, #found do
		commit_merge(c, t, found[i])
	end
	t = t or commit_found(c, m)
	for _, id in ipairs(dead) do
		c.key_set[id] = t.id
	end
	for _, key in ipairs(m[14]) do
		if c.key_thread[key] ~= t.id then
			c.key_thread[key], c.key_set[key] = t.id, t.id
		end
	end
	local n, had_sent, sent_ms = c.n + 1, bit.band(t.bits, 2) ~= 0, t.sent_ms
	came_back_first(c, m, t, known, n)
	commit_extend(c, t, m, n)
	local decision, linked = commit_link(c, t, m, n)
	commit_record(c, m[1], RECORD_HEAD .. cmsgpack.pack(t.id, n) .. m[16] .. decision .. m[18])
	c.committed = c.committed + 1
	t.changed = true
	commit_entry(c, message_entry(c, m, t, entry_bits(m, t, fresh, had_sent, linked), sent_ms))
	return 'committed'
end

-- Only what the parser says of the message: card and the bits that are facts.
local function commit_reparse(c, m)
	local v = c.records[m[1]] and cmsgpack.unpack(c.records[m[1]])
	if not v then
		return 'absent'
	end
	local bits = bit.band(v[8], 1 + 128) + bit.band(m[5], 2 + 4 + 8 + 16 + 32 + 64)
	commit_record(c, m[1], RECORD_HEAD .. cmsgpack.pack(v[2], v[3], v[4], v[5], v[6], v[7], bits, v[9], v[10]) .. m[18])
	return 'reparsed'
end

local function commit_one(c, m)
	if m[2] == 1 then
		return commit_reparse(c, m)
	elseif c.records[m[1]] then
		return 'known'
	elseif c.tombs[m[1]] then
		return 'dead'
	elseif m[3] == 1 then
		if not c.seen[m[1]] then
			c.seen[m[1]] = true
			c.screened = c.screened + redis.call('HEXISTS', c.tag .. ':l', m[1])
		end
		return 'screened'
	end
	return commit_message(c, m)
end

local function pairs_list(map)
	local list = {}
	for key, value in pairs(map) do
		list[#list + 1] = key
		list[#list + 1] = value
	end
	return list
end

local function write_threads(c)
	local records, on, off = {}, {}, {}
	for _, view in ipairs(THREAD_VIEWS) do
		on[view], off[view] = {}, {}
	end
	for id, t in pairs(c.threads) do
		if t and t.changed then
			local now, before = thread_views(t), c.views[id]
			records[#records + 1] = id
			records[#records + 1] = thread_pack(t)
			for _, view in ipairs(THREAD_VIEWS) do
				local was = before and before[view]
				if now[view] and was and c.scores[id] == t.last_ms then
					-- as it was
				elseif now[view] then
					table.insert(on[view], string.format('%.0f', t.last_ms))
					table.insert(on[view], id)
				elseif was then
					table.insert(off[view], id)
				end
			end
		end
	end
	call_many('HSET', c.tag .. ':t', records, 2)
	call_many('HDEL', c.tag .. ':t', c.absorbed)
	for _, view in ipairs(THREAD_VIEWS) do
		call_many('ZADD', c.tag .. ':v:' .. view, on[view], 2)
		call_many('ZREM', c.tag .. ':v:' .. view, off[view])
		call_many('ZREM', c.tag .. ':v:' .. view, c.absorbed)
	end
end

local function commit_write(c)
	local tag, first = c.tag, c.n - #c.entries + 1
	write_threads(c)
	call_many('HSET', tag .. ':m', c.record_set, 2)
	call_many('HSET', tag .. ':i', pairs_list(c.key_set), 2)
	call_many('HSET', tag .. ':al', pairs_list(c.alias_set), 2)
	call_many('HSET', tag .. ':rh', pairs_list(c.rehome_set), 2)
	call_many('HSET', tag .. ':ob', back_list(c), 2)
	for id, list in pairs(c.members) do
		call_many('ZADD', tag .. ':tm:' .. id, list, 2)
	end
	for i, packed in ipairs(c.entries) do
		journal_put(tag, first + i - 1, packed)
	end
	if #c.entries > 0 then
		redis.call('HSET', tag .. ':n', 'j', string.format('%.0f', c.n))
	end
	if c.committed > 0 then
		redis.call('HINCRBY', tag .. ':n', 'committed', c.committed)
	end
	if c.screened > 0 then
		redis.call('HINCRBY', tag .. ':n', 'screened', c.screened)
	end
	redis.call('HDEL', tag .. ':l', unpack(c.ids))
	return first
end

local function commit(keys, args)
	local tag, messages, answer = keys[1], {}, {}
	if redis.call('HGET', tag .. ':acct', 'gen') ~= args[1] then
		return {'gone'}
	end
	if #args < 3 or #args > 66 then
		return redis.error_reply('ERR linker_1_commit takes 1 to 64 messages')
	end
	for i = 3, #args do
		messages[#messages + 1] = cmsgpack.unpack(args[i])
	end
	local c = commit_open(tag, tonumber(args[2]), messages)
	for i, m in ipairs(messages) do
		answer[i] = commit_one(c, m)
	end
	local first = commit_write(c)
	return {'ok', answer, first, c.entries, c.merges}
end

redis.register_function('linker_1_commit', commit)
