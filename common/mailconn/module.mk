$(eval $(call library,mailconn,$(filter-out %_test.c %_fuzz.c,$(wildcard common/mailconn/*.c))))
$(eval $(call unit,common/mailconn/finding_test,,mailconn base,-lcurl -lssl -lcrypto))
$(eval $(call unit,common/mailconn/mailconn_test,,mailconn base,-lcurl -lssl -lcrypto -luv -lpthread))
