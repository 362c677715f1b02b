-- backfill.lua: what the fetcher is asked to do (docs/data-model.md, `cmd`). Part of the library gateway_1.
--
-- gateway_1_command  key {a:<company>/<account>}  arguments: (field, value)... of the entry
--   -> `gone` (erased or taken away), `busy` (too many wait), or `ok` and the entry's id

do
	local WAITING_MAX = PROVIDER_WAITING_MAX + 200 -- beside what users did while the account was away

	local function command(keys, args)
		local tag = keys[1]
		local account = redis.call('HMGET', tag .. ':acct', 'gen', 'erased', 'removed')
		if not account[1] or account[2] == '1' or account[3] == '1' then
			return {'gone'}
		end
		if redis.call('XLEN', tag .. ':cmd') >= WAITING_MAX then
			return {'busy'}
		end
		return {'ok', redis.call('XADD', tag .. ':cmd', '*', unpack(args))}
	end

	redis.register_function('gateway_1_command', command)
end
