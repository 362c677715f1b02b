GATEWAY_LUA := gateway/gateway.lua $(wildcard common/store/thread_state.lua gateway/thread_actions.lua gateway/aside.lua)
GATEWAY_SYSTEM := -lmicrohttpd -ljansson -lhiredis -lzmq -lcurl -lssl -lcrypto -lzstd -lidn2 -lpthread
$(B)/gen/gateway_lua.h: $(GATEWAY_LUA)
$(B)/gateway/main.o: $(B)/gen/gateway_lua.h
$(eval $(call program,gateway,$(filter-out %_test.c %_fuzz.c,$(wildcard gateway/*.c)),stage mailconn blob secret store bus wire metrics conf base,$(GATEWAY_SYSTEM)))
