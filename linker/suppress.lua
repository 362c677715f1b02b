-- suppress.lua: who goes on the company's list of addresses that nothing is sent to (SND-13): part of applying a journal.

-- Whoever is not there will not be there tomorrow: bad addresses (RFC 3463 5.1.x) and closed mailboxes. A full mailbox, a
-- message that was refused for what it says, and a status that tells nothing are no reason.
local HARD = {['5.1.0'] = true, ['5.1.1'] = true, ['5.1.2'] = true, ['5.1.3'] = true, ['5.1.6'] = true,
	['5.1.10'] = true, ['5.2.1'] = true}

-- RFC 3339, as the gateway writes it. Days to a date: the civil calendar's arithmetic.
local function rfc3339(ms)
	local days, rest = math.floor(ms / 86400000), ms % 86400000
	local z = days + 719468
	local era = math.floor(z / 146097)
	local doe = z - era * 146097
	local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
	local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
	local mp = math.floor((5 * doy + 2) / 153)
	local month = mp < 10 and mp + 3 or mp - 9
	return string.format('%04d-%02d-%02dT%02d:%02d:%02dZ', yoe + era * 400 + (month <= 2 and 1 or 0), month,
		doy - math.floor((153 * mp + 2) / 5) + 1, math.floor(rest / 3600000), math.floor(rest / 60000) % 60,
		math.floor(rest / 1000) % 60)
end

-- list: [[address, status]...]. What is on the list already stays as it is.
local function suppress(tag, account, at_ms, reason, submission, list)
	for _, entry in ipairs(list) do
		if reason ~= 'bounced' or HARD[entry[2]] then
			redis.call('HSETNX', tag .. ':sup', entry[1], cjson.encode({email = entry[1], reason = reason,
				note = (entry[2] ~= '' and entry[2] .. ', ' or '') .. 'message ' .. account .. '~' .. submission,
				by = cjson.null, at = rfc3339(at_ms)}))
		end
	end
end
