-- export.lua: what an export takes out of an account's slot. Part of the library gateway_1.
--
-- gateway_1_export_scan  key {a:<company>/<account>}   arguments: `t|m|o|aside`, cursor, count
--   -> next cursor (`0`: done), [its time in ms, id, ...] of a bounded part of what is there: threads by last_ms, messages
--      and what was set aside by received_ms, submissions by when they were made. An id may come twice.

local EXPORT_TIME = {t = 3, m = 4, o = 4, aside = 4}

local function export_scan(keys, args)
	local family, list = args[1], {}
	local found = redis.call('HSCAN', keys[1] .. ':' .. family, args[2], 'COUNT', args[3])
	for i = 1, #found[2], 2 do
		list[#list + 1] = string.format('%.0f', cmsgpack.unpack(found[2][i + 1])[EXPORT_TIME[family]])
		list[#list + 1] = found[2][i]
	end
	return {found[1], list}
end

redis.register_function{function_name = 'gateway_1_export_scan', callback = export_scan, flags = {'no-writes'}}
