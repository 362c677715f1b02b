SENDER_COMPOSE := sender/compose.c sender/header_write.c sender/body_encode.c sender/direction.c sender/text_flow.c
$(eval $(call unit,sender/smtp_reply_test,sender/smtp_reply.c,base,))
$(eval $(call unit,sender/smtp_dialog_test,sender/smtp_dialog.c sender/smtp_reply.c,base,))
$(eval $(call unit,sender/compose_test,$(SENDER_COMPOSE),base,-lcrypto -lidn2))
$(eval $(call unit,sender/outbound_test,sender/retry.c sender/reference.c sender/recipients.c sender/request.c,base,-ljansson -lcrypto -lidn2))
$(eval $(call unit,sender/track_test,sender/track.c sender/tag.c,secret wire base,-lcrypto -lidn2))
$(eval $(call fuzz,sender/compose_fuzz,$(SENDER_COMPOSE),base,-lcrypto -lidn2))
$(eval $(call fuzz,sender/smtp_dialog_fuzz,sender/smtp_dialog.c sender/smtp_reply.c,base,))
$(eval $(call program,sender,$(filter-out %_test.c %_fuzz.c,$(wildcard sender/*.c)),stage mailconn blob secret store bus wire metrics conf base,-lcurl -lssl -luv -lzmq -lhiredis -lmicrohttpd -ljansson -lzstd -lcrypto -lidn2 -lpthread))
$(B)/gen/sender_lua.h: common/store/journal.lua sender/sender.lua sender/pace.lua $(wildcard common/store/logins.lua sender/logins.lua)
$(B)/sender/main.o: $(B)/gen/sender_lua.h
# stands in for the gateway in tests/flow/sender_house.py
tests-built: $(B)/tests/flow/outbox
$(B)/tests/flow/outbox: $(B)/tests/flow/outbox.o $(foreach l,blob secret base,$(B)/lib$(l).a)
	$(CC) $(LDFLAGS_$(SAN)) $(LDFLAGS) -o $@ $^ -lzstd -lcrypto -lidn2 -lpthread
