# The program itself follows at the end of this file; its parts that need no server are tested here.
IMAP_PURE := fetcher/imap_resp.c fetcher/imap_parse.c fetcher/imap_value.c fetcher/imap_words.c
$(eval $(call unit,fetcher/imap_resp_test,$(IMAP_PURE),base,))
$(eval $(call fuzz,fetcher/imap_resp_fuzz,$(IMAP_PURE),base,))
$(eval $(call unit,fetcher/imap_out_test,fetcher/imap_out.c fetcher/imap_deflate.c fetcher/mailbox_name.c,base,-lz))
$(eval $(call unit,fetcher/identify_test,fetcher/identify_rest.c fetcher/message_check.c $(IMAP_PURE),base,))
# All of the program but main.c, in a world of its own.
CLIENT_FUZZ := $(patsubst %,fetcher/client_%_testbed.c,server store world) $(filter-out %_test.c %_testbed.c %_fuzz.c fetcher/main.c fetcher/committer.c,$(wildcard fetcher/*.c))
$(eval $(call fuzz,fetcher/client_fuzz,$(CLIENT_FUZZ),secret blob store wire base,-luv -lcrypto -lz -lidn2 $(patsubst %,-Xlinker --wrap=%,clock_mono_ms clock_mono_us clock_wall_ms uv_timer_start uv_timer_stop uv_close)))
$(eval $(call unit,fetcher/imap_refusal_test,fetcher/imap_refusal.c,base,))
$(eval $(call unit,fetcher/mailbox_role_test,fetcher/mailbox_role.c,base,-lidn2))
$(eval $(call unit,fetcher/imap_deflate_test,fetcher/imap_deflate.c,base,-lz))
$(eval $(call unit,fetcher/spool_test,fetcher/spool.c,base,))
$(eval $(call unit,fetcher/window_test,fetcher/window.c fetcher/spool.c,base,))
$(eval $(call unit,fetcher/backfill_batch_test,fetcher/backfill_batch.c,,))
$(eval $(call unit,fetcher/account_index_test,fetcher/account_index.c,base,))
$(eval $(call unit,fetcher/limits_test,fetcher/limits.c fetcher/imap_refusal.c,base,))
$(eval $(call unit,fetcher/pure_test,fetcher/since.c fetcher/json_text.c fetcher/mailbox.c fetcher/mailbox_name.c fetcher/mailbox_role.c fetcher/mailbox_space.c $(IMAP_PURE),wire base,-lidn2))

$(B)/gen/fetcher_lua.h: common/store/journal.lua fetcher/fetcher.lua fetcher/ledger.lua fetcher/backfill.lua common/store/logins.lua fetcher/budget.lua fetcher/life.lua fetcher/coverage.lua fetcher/identify.lua fetcher/suspects.lua fetcher/numbering.lua
$(B)/fetcher/main.o: $(B)/gen/fetcher_lua.h
$(eval $(call program,fetcher,$(filter-out %_test.c %_testbed.c %_fuzz.c,$(wildcard fetcher/*.c)),stage mailconn blob secret store bus wire metrics conf base,-lcurl -lssl -lcrypto -luv -lzmq -lhiredis -lmicrohttpd -lzstd -lz -lidn2 -lpthread))
