-- back.lua: what comes back to mail that was sent from here: bounces, complaints, requests to be left alone. A part of
-- the commit: read only, but for what it leaves in c.backs, which commit_write writes.
--
-- Matched by the Message-ID of our own making (`<submission>.mw@...`, as in os), and only to who was a recipient of that
-- submission: whoever can name both got the message, so nobody can have others taken off.
--
-- ob, submission -> JSON: address -> {what, status, at (ms), id (hex of the message that came back)}

local function hex(bytes)
	return (bytes:gsub('.', function(c) return string.format('%02x', c:byte()) end))
end

local function unhex(text)
	return (text:gsub('%x%x', function(two) return string.char(tonumber(two, 16)) end))
end

-- The submission's state, if there is such a one.
local function submission_state(c, submission)
	local text = submission and redis.call('HGET', c.tag .. ':os', submission)
	return text and decode_json(text)
end

local function is_recipient(state, address)
	for _, recipient in ipairs(type(state.recipients) == 'table' and state.recipients or {}) do
		if type(recipient.email) == 'string' and recipient.email:lower() == address then
			return true
		end
	end
	return false
end

-- What, submission or '', its state, [[address, status]...]; nil for other mail.
local function back_find(c, m)
	local list, id = m[23] or {}, m[24] or ''
	if #list > 0 then
		local submission = id:match('^(%w+)%.mw@')
		local state = submission_state(c, submission)
		if state and state.messageId ~= id then
			state = nil
		end
		return list[1][2] == 'complaint' and 'complained' or 'bounced', state and submission or '', state, list
	end
	local submission = m[13]:match('^%s*[Uu]nsubscribe%s+(%w+)%s*$')
	local state = bit.band(m[5], 1 + 4 + 8) == 0 and submission_state(c, submission)
	if state and is_recipient(state, m[25] or '') then
		return 'unsubscribed', submission, state, {{m[25], ''}}
	end
end

local function back_keep(c, submission, what, list, m)
	local known = c.backs[submission] or decode_json(redis.call('HGET', c.tag .. ':ob', submission) or '{}')
	for _, entry in ipairs(list) do
		known[entry[1]] = {what = what, status = entry[2], at = c.now, id = hex(m[1])}
	end
	c.backs[submission] = known
end

-- Element 8 of the journal's entry: [what, submission or '', the sent message's id or '', [[address, status]...]]; with a
-- submission the addresses are recipients of it. nil: nothing came back.
local function commit_back(c, m)
	local what, submission, state, list = back_find(c, m)
	if not what then
		return nil
	end
	local ours = {}
	for _, entry in ipairs(state and list or {}) do
		if is_recipient(state, entry[1]) then
			ours[#ours + 1] = entry
		end
	end
	if #ours == 0 then
		return {what, '', '', list}
	end
	back_keep(c, submission, what, ours, m)
	return {what, submission, type(state.id) == 'string' and unhex(state.id) or '', ours}
end

local function back_list(c)
	local list = {}
	for submission, known in pairs(c.backs) do
		list[#list + 1] = submission
		list[#list + 1] = cjson.encode(known)
	end
	return list
end
