/* settings: the gateway's own settings and metrics, as tables. */
#ifndef MW_GATEWAY_SETTINGS_H
#define MW_GATEWAY_SETTINGS_H

#include "common/conf/conf.h"
#include "common/metrics/metrics.h"

extern const struct conf_setting gateway_settings[]; /* ended by a NULL name */
#define GATEWAY_METRIC_COUNT 9
extern const struct metric_def gateway_metrics[GATEWAY_METRIC_COUNT];

#endif
