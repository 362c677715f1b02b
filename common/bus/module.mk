$(eval $(call library,bus,$(filter-out %_test.c %_fuzz.c,$(wildcard common/bus/*.c))))
$(eval $(call unit,common/bus/bus_test,,bus wire base,-lzmq -lcrypto))
