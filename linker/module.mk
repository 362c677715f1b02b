LINKER_LUA := linker/linker.lua common/store/hash.lua common/store/journal.lua common/store/thread_state.lua linker/facts.lua linker/back.lua linker/commit.lua linker/suppress.lua linker/apply.lua linker/rebuild.lua
$(B)/gen/linker_lua.h: $(LINKER_LUA)
$(B)/linker/main.o: $(B)/gen/linker_lua.h
$(eval $(call program,linker,$(filter-out %_test.c,$(wildcard linker/*.c)),stage linking store bus wire metrics conf base,-lhiredis -lzmq -lmicrohttpd -lcrypto -lidn2 -lpthread))
$(eval $(call unit,linker/commit_test,linker/commit.c,linking store wire base,-lhiredis -lidn2))
$(eval $(call unit,common/stage/sweep_test,,stage store bus wire metrics conf base,-lhiredis -lzmq -lmicrohttpd -lcrypto -lidn2 -lpthread))
# stands in for the stages before in tests/flow/test_linker_flow.py
tests-built: $(B)/tests/flow/feed
$(B)/tests/flow/feed: $(B)/tests/flow/feed.o $(foreach l,stage store bus wire metrics conf base,$(B)/lib$(l).a)
	$(CC) $(LDFLAGS_$(SAN)) $(LDFLAGS) -o $@ $^ -lhiredis -lzmq -lmicrohttpd -lcrypto -lidn2 -lpthread
# `make bench-link`
$(B)/tests/bench/bench_link: $(patsubst %.c,$(B)/%.o,tests/bench/bench_link.c linker/batch.c linker/commit.c linker/apply.c) $(foreach l,linking store wire metrics conf base,$(B)/lib$(l).a)
	$(CC) $(LDFLAGS_$(SAN)) $(LDFLAGS) -o $@ $^ -lhiredis -lmicrohttpd -lcrypto -lidn2 -lpthread
