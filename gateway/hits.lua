-- hits.lua: what became of tracked messages, in the account slot. Part of the library gateway_1.
--
-- gateway_1_hit  key {a:<company>/<account>}   arguments: now, submission, `opened|clicked|unsubscribed`, class, evidence,
--                recipient or ``, url or ``, user agent -> `ok`, n of the journal's entry (0: none) ; `gone`: no such message
--
-- tk, submission -> JSON: opens, clicks (those of class recipient), total (all hits), events (journal entries), hits: the
-- last 50, each {at, what, class, evidence, recipient, url, agent}. The same from the same class within a minute is one hit,
-- only total goes on; a submission has at most 500 events, whatever hits it.

local HITS_KEPT, EVENTS_MAX, SAME_MS = 50, 500, 60000
local TOO_SOON_MS, TOGETHER_MS = 2000, 1000

-- What only the message's own story tells, of a hit that looks like a recipient's.
local function hit_story(state, seen, hit)
	if hit.what ~= 'unsubscribed' and not (state.sentAt and hit.at - state.sentAt >= TOO_SOON_MS) then
		return 'scanner', 'within two seconds of being sent'
	end
	for i = #seen.hits, 1, -1 do
		local other = seen.hits[i]
		if hit.what == 'clicked' and other.what == 'clicked' and other.url ~= hit.url and hit.at - other.at < TOGETHER_MS then
			return 'scanner', 'several links within a second'
		end
	end
	return hit.class, hit.evidence
end

local function hit_again(seen, hit)
	for _, other in ipairs(seen.hits) do
		if other.what == hit.what and other.class == hit.class and other.recipient == hit.recipient and
			other.url == hit.url and hit.at - other.at < SAME_MS then
			return true
		end
	end
	return false
end

-- The message's id and its thread, or empty ones: it is not in yet.
local function hit_message(tag, state)
	if type(state.id) ~= 'string' then
		return '', ''
	end
	local id = string.gsub(state.id, '%x%x', function(two) return string.char(tonumber(two, 16)) end)
	local record = redis.call('HGET', tag .. ':m', id)
	return record and id or '', record and thread_resolve(tag, cmsgpack.unpack(record)[2]) or ''
end

local function hit(keys, args)
	local tag, submission = keys[1], args[2]
	if redis.call('HEXISTS', tag .. ':o', submission) == 0 then
		return {'gone'}
	end
	local state = decode_object(redis.call('HGET', tag .. ':os', submission))
	local seen = decode_object(redis.call('HGET', tag .. ':tk', submission))
	seen.hits = list_of(seen.hits)
	local new = {at = tonumber(args[1]), what = args[3], class = args[4], evidence = args[5], recipient = args[6],
		url = args[7], agent = args[8]}
	local n = 0
	if new.class == 'recipient' then
		new.class, new.evidence = hit_story(state, seen, new)
	end
	seen.total = (seen.total or 0) + 1
	if not hit_again(seen, new) then
		local counter = new.class == 'recipient' and ({opened = 'opens', clicked = 'clicks'})[new.what]
		if counter then
			seen[counter] = (seen[counter] or 0) + 1
		end
		seen.hits[#seen.hits + 1] = new
		if #seen.hits > HITS_KEPT then
			table.remove(seen.hits, 1)
		end
		seen.events = (seen.events or 0) + 1
		if seen.events <= EVENTS_MAX then
			local message, thread = hit_message(tag, state)
			n = account_journal(tag, {'h', new.at, submission, thread, new.what, new.class, new.recipient, message,
				new.url, new.agent, new.evidence})
		end
	end
	redis.call('HSET', tag .. ':tk', submission, cjson.encode(seen))
	return {'ok', n or 0}
end

redis.register_function('gateway_1_hit', hit)
