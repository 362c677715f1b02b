GATEWAY_LUA := gateway/gateway.lua gateway/account.lua $(wildcard common/store/thread_state.lua gateway/thread_actions.lua gateway/aside.lua gateway/backfill.lua gateway/webhook.lua)
GATEWAY_SYSTEM := -lmicrohttpd -ljansson -lhiredis -lzmq -lcurl -lssl -lcrypto -lzstd -lidn2 -lresolv -lpthread
$(B)/gen/gateway_lua.h: $(GATEWAY_LUA)
$(B)/gateway/main.o: $(B)/gen/gateway_lua.h
$(eval $(call program,gateway,$(filter-out %_test.c %_fuzz.c,$(wildcard gateway/*.c)),stage mailconn blob secret store bus wire metrics conf base,$(GATEWAY_SYSTEM)))
$(eval $(call unit,gateway/visible_test,gateway/visible.c,base,))
$(eval $(call unit,gateway/event_id_test,gateway/event_id.c,secret base,-lcrypto))
$(eval $(call unit,gateway/journal_test,gateway/journal.c,wire base,))
$(B)/gen/thread_state_lua.h: common/store/thread_state.lua
$(B)/gateway/thread_state_test.o: $(B)/gen/thread_state_lua.h
$(eval $(call unit,gateway/thread_state_test,gateway/thread_state.c common/store/store_testbed.c,store wire metrics base,-lhiredis -lmicrohttpd -lpthread))
$(eval $(call unit,gateway/route_match_test,gateway/route_match.c gateway/http.c,base,-ljansson -lidn2))
$(eval $(call unit,gateway/json_test,gateway/json.c,base,-ljansson -lidn2))
$(eval $(call unit,gateway/page_test,gateway/page.c gateway/http.c gateway/json.c gateway/problem.c,secret base,-ljansson -lcrypto -lidn2))
$(eval $(call unit,gateway/token_test,gateway/token.c gateway/auth_scope.c,secret wire base,-lcrypto -lidn2))
$(eval $(call unit,gateway/upload_test,gateway/upload.c,base,-lpthread -lidn2))
$(eval $(call unit,gateway/verify_test,gateway/account_verify.c gateway/egress.c gateway/verify_remedy.c gateway/json.c,mailconn base,-ljansson -lcurl -lssl -lcrypto -lidn2))
$(eval $(call unit,gateway/reply_card_test,gateway/reply_card.c,wire base,-ljansson -lidn2))
$(eval $(call unit,gateway/egress_test,gateway/egress.c,base,))
$(eval $(call unit,gateway/webhook_retry_test,gateway/webhook_retry.c,base,))
$(eval $(call unit,gateway/webhook_sign_test,gateway/webhook_sign.c,secret base,-lcrypto -lidn2))
$(eval $(call unit,gateway/webhook_url_test,gateway/webhook_url.c gateway/egress.c,base,-lcurl))
$(eval $(call unit,gateway/webhook_test,gateway/webhook.c gateway/webhook_sign.c gateway/json.c,secret base,-ljansson -lcrypto -lidn2))
$(eval $(call unit,gateway/auth_results_test,gateway/auth_results.c,base,-lidn2))
