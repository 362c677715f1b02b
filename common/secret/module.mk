$(eval $(call library,secret,$(filter-out %_test.c %_fuzz.c,$(wildcard common/secret/*.c))))
$(eval $(call unit,common/secret/secret_test,,secret base,-lcrypto -lidn2))
$(eval $(call unit,common/secret/track_token_test,,secret wire base,-lcrypto -lidn2))
