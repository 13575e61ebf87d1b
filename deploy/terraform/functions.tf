# Events that could not be handled even when tried again. Losing one loses nothing but time, since the work is on record as due; but a message
# here means that something is wrong.
resource "aws_sqs_queue" "dead" {
  for_each                  = merge(local.functions, { schedule = "${var.name}-schedule" })
  name                      = "${each.value}-dead"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "schedule" {
  queue_url = aws_sqs_queue.dead["schedule"].id
  policy    = data.aws_iam_policy_document.schedule_queue.json
}

data "aws_iam_policy_document" "schedule_queue" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead["schedule"].arn]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [for rule in aws_cloudwatch_event_rule.this : rule.arn]
    }
  }
}

resource "aws_cloudwatch_log_group" "function" {
  for_each          = local.functions
  name              = "/aws/lambda/${each.value}"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.this.arn
  tags              = local.tags
}

resource "aws_lambda_function" "this" {
  for_each                       = local.functions
  function_name                  = each.value
  description                    = "DbAccess: lambda ${each.key}"
  role                           = aws_iam_role.function[each.key].arn
  architectures                  = [var.function_architecture]
  memory_size                    = var.function_memory
  timeout                        = each.key == "create-db-user" ? var.create_timeout : var.expire_timeout
  reserved_concurrent_executions = each.key == "create-db-user" ? var.create_concurrency : var.expire_concurrency
  kms_key_arn                    = aws_kms_key.this.arn
  tags                           = local.tags

  package_type     = var.function_package == null ? "Image" : "Zip"
  image_uri        = var.function_package == null ? var.image_uri : null
  filename         = try(var.function_package.filename, null)
  source_code_hash = try(filebase64sha256(var.function_package.filename), null)
  runtime          = try(var.function_package.runtime, null)
  handler          = var.function_package == null ? null : each.key

  dynamic "image_config" {
    for_each = var.function_package == null ? [1] : []
    content {
      entry_point = var.function_entry_point
      command     = ["lambda", each.key]
    }
  }

  environment {
    variables = merge(local.settings, var.function_settings)
  }

  vpc_config {
    subnet_ids         = var.private_subnet_ids
    security_group_ids = [aws_security_group.functions.id]
  }

  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.function, aws_iam_role_policy.function_network]
}

resource "aws_lambda_function_event_invoke_config" "this" {
  for_each      = local.functions
  function_name = aws_lambda_function.this[each.key].function_name
  # An event that has waited this long is worth nothing: the sweep has been there since.
  maximum_event_age_in_seconds = 600
  maximum_retry_attempts       = each.key == "create-db-user" ? 2 : 0
  # A destination instead of the function's dead_letter_config: the message then says what the error was.
  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead[each.key].arn
    }
  }
  lifecycle {
    # A function that changes from image to package is made anew under its name, and takes this with it.
    replace_triggered_by = [aws_lambda_function.this[each.key].package_type]
  }
}

locals {
  schedule = {
    sweep = { every = "${var.sweep_minutes} minutes", does = "everything that is due", input = null, age = 60 * var.sweep_minutes }
    # The comparison with every cluster; that with the busy ones follows each sweep.
    reconcile = { every = "1 hour", does = "the record compared with every cluster", input = jsonencode({ reconcile = true }), age = 3600 }
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each            = local.schedule
  name                = "${var.name}-${each.key}"
  description         = "DbAccess: ${each.value.does}, every ${each.value.every}"
  schedule_expression = "rate(${each.value.every})"
  tags                = local.tags
}

resource "aws_cloudwatch_event_target" "this" {
  for_each  = local.schedule
  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = "expire-db-users"
  arn       = aws_lambda_function.this["expire-db-users"].arn
  input     = each.value.input
  retry_policy {
    # The next one comes anyway.
    maximum_event_age_in_seconds = each.value.age
    maximum_retry_attempts       = 2
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead["schedule"].arn
  }
}

resource "aws_lambda_permission" "schedule" {
  for_each      = local.schedule
  statement_id  = each.key
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this["expire-db-users"].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[each.key].arn
  lifecycle {
    replace_triggered_by = [aws_lambda_function.this["expire-db-users"].package_type]
  }
}
