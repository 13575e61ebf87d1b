# Read from the line that expire-db-users logs after each sweep: no permission and no call is needed for a metric.
locals {
  namespace = "DbAccess/${var.installation}"
  sweep_log = {
    SweepDone   = { pattern = "{ $.CutShort IS FALSE }", value = "1" }
    Quarantined = { pattern = "{ $.Quarantined > 0 }", value = "$.Quarantined" }
    Postponed   = { pattern = "{ $.Postponed > 0 }", value = "$.Postponed" }
    StepsFailed = { pattern = "{ $.Failed > 0 }", value = "$.Failed" }
  }

  alarms = merge(
    {
      sweep-late = {
        description = "No sweep was completed for three intervals: access may be running over its end"
        namespace   = local.namespace, metric = "SweepDone", dimensions = {}, comparison = "LessThanThreshold", threshold = 1
        # Silence is the fault here.
        missing = "breaching", period = 60 * var.sweep_minutes, periods = 3
      }
      quarantined = {
        description = "Grants are locked out but cannot be cleaned up: `/db-access list` names them and what holds them"
        # A quarantined grant is tried again once an hour at least.
        namespace = local.namespace, metric = "Quarantined", dimensions = {}, comparison = "GreaterThanThreshold", threshold = 0
        missing   = "notBreaching", period = 3600, periods = 1
      }
      unhealthy = {
        description = "Copies of the web application do not answer"
        namespace   = "AWS/ApplicationELB", metric = "UnHealthyHostCount", comparison = "GreaterThanThreshold", threshold = 0
        dimensions  = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = aws_lb_target_group.web.arn_suffix }
        missing     = "notBreaching", period = 60, periods = 5
      }
    },
    merge([for key, name in local.functions : {
      "${key}-errors" = {
        description = "${key} failed: its log says why; what it was to do is due still"
        namespace   = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = name }, comparison = "GreaterThanThreshold", threshold = 0
        missing     = "notBreaching", period = 300, periods = 1
      }
      "${key}-throttles" = {
        description = "${key} is invoked more often than it may run at once"
        namespace   = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = name }, comparison = "GreaterThanThreshold", threshold = 0
        missing     = "notBreaching", period = 300, periods = 2
      }
    }]...),
    { for key, queue in aws_sqs_queue.dead : "${key}-dead" => {
      description = "Events that were given up on are in ${queue.name}"
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = queue.name }, comparison = "GreaterThanThreshold", threshold = 0
      missing     = "notBreaching", period = 300, periods = 1
    } }
  )
}

resource "aws_cloudwatch_log_metric_filter" "sweep" {
  for_each       = local.sweep_log
  name           = each.key
  log_group_name = aws_cloudwatch_log_group.function["expire-db-users"].name
  pattern        = each.value.pattern
  metric_transformation {
    namespace = local.namespace
    name      = each.key
    value     = each.value.value
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.namespace == "AWS/SQS" || each.value.metric == "UnHealthyHostCount" ? "Maximum" : "Sum"
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
  tags                = local.tags
}
