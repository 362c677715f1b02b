$(eval $(call library,metrics,$(filter-out %_test.c %_fuzz.c,$(wildcard common/metrics/*.c))))
$(eval $(call unit,common/metrics/metrics_test,,metrics base,-lmicrohttpd -lpthread -lidn2))
