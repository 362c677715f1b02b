$(eval $(call library,bus,$(filter-out %_test.c %/test_net.c,$(wildcard common/bus/*.c))))
$(eval $(call unit,common/bus/bus_test,common/bus/test_net.c,bus wire base,-lzmq))
$(eval $(call unit,common/bus/credit_test,common/bus/test_net.c,bus wire base,-lzmq))
$(eval $(call unit,common/bus/process_test,,bus wire base,-lzmq))
