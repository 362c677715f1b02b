#!lua name=threader_1
-- The threader's functions in Redis. The library is this line, common/store/thread_state.lua, rehome.lua.
