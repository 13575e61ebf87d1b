locals {
  # What web application and functions have in common. Of secrets it says only where they are: what is in an environment is in Terraform's state, too.
  settings = merge({
    Installation             = var.installation
    Grants__Store            = "DynamoDb"
    Grants__DynamoDb__Table  = aws_dynamodb_table.grants.name
    Credentials__Source      = "S3"
    Credentials__S3__Bucket  = aws_s3_bucket.this.bucket
    Credentials__S3__Prefix  = "credentials/"
    Policy__Path             = "s3://${aws_s3_bucket.this.bucket}/policy/access-policy.yaml"
    Slack__BotToken          = "s3://${aws_s3_bucket.this.bucket}/slack/bot-token"
    DOTNET_gcServer          = "0"
    DOTNET_EnableDiagnostics = "0"
    ASPNETCORE_URLS          = "http://0.0.0.0:8080"
    Operations__Urls         = "http://0.0.0.0:8081"
    Grants__SealKey          = var.seal_key == "kms" ? "kms://${aws_kms_key.seal[0].arn}" : "s3://${aws_s3_bucket.this.bucket}/seal/key"
    Audit__KmsKey            = aws_kms_key.log.arn
    Audit__Export            = "s3://${aws_s3_bucket.evidence.bucket}/${var.installation}"
    Sweep__Interval          = format("%02d:%02d:00", floor(var.sweep_minutes / 60), var.sweep_minutes % 60)
    Sweep__Enabled           = "false"
    Provisioning__Mode       = var.provisioning
  }, var.provisioning == "Lambda" ? { Provisioning__Lambda__Function = local.functions["create-db-user"] } : {}, var.restart == "" ? {} : { RESTARTED = var.restart }, var.settings)

  web_settings = merge({ Slack__SigningSecrets__0 = "s3://${aws_s3_bucket.this.bucket}/slack/signing-secret" }, local.settings)
}

resource "aws_cloudwatch_log_group" "web" {
  name              = "/dbaccess/${var.name}-web"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.this.arn
  tags              = local.tags
}

resource "aws_ecs_cluster" "this" {
  name = var.name
  tags = local.tags
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "web" {
  family                   = "${var.name}-web"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.web_cpu
  memory                   = var.web_memory
  execution_role_arn       = aws_iam_role.start.arn
  task_role_arn            = aws_iam_role.web.arn
  tags                     = local.tags
  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.function_architecture == "arm64" ? "ARM64" : "X86_64"
  }
  container_definitions = jsonencode([{
    name                   = "web"
    image                  = var.image_uri
    essential              = true
    cpu                    = var.web_cpu
    memory                 = var.web_memory
    command                = ["serve"]
    readonlyRootFilesystem = true
    stopTimeout            = 30
    portMappings           = [for port in [8080, 8081] : { containerPort = port, hostPort = port, protocol = "tcp" }]
    environment            = [for key in sort(keys(local.web_settings)) : { name = key, value = local.web_settings[key] }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.web.name
        "awslogs-region"        = local.region
        "awslogs-stream-prefix" = "web"
      }
    }
  }])
}

resource "aws_ecs_service" "web" {
  name                               = "${var.name}-web"
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.web.arn
  desired_count                      = var.web_tasks
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 30
  propagate_tags                     = "SERVICE"
  tags                               = local.tags
  network_configuration {
    subnets          = var.private_subnet_ids
    security_groups  = [aws_security_group.web.id]
    assign_public_ip = false
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.web.arn
    container_name   = "web"
    container_port   = 8080
  }
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  depends_on = [aws_lb_listener.https]
}

resource "aws_lb" "this" {
  name                       = var.name
  load_balancer_type         = "application"
  subnets                    = var.public_subnet_ids
  security_groups            = [aws_security_group.balancer.id]
  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection
  tags                       = local.tags
}

# Before anything of the product's own: whoever sends more than this from one address is answered by AWS. Slack sends from several.
resource "aws_wafv2_web_acl" "web" {
  count = var.requests_per_address > 0 ? 1 : 0
  name  = "${var.name}-web"
  scope = "REGIONAL"
  tags  = local.tags
  default_action {
    allow {}
  }
  rule {
    name     = "rate"
    priority = 1
    action {
      block {}
    }
    statement {
      rate_based_statement {
        limit              = var.requests_per_address
        aggregate_key_type = "IP"
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-rate"
      sampled_requests_enabled   = false
    }
  }
  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = "${var.name}-web"
    sampled_requests_enabled   = false
  }
}

resource "aws_wafv2_web_acl_association" "web" {
  count        = var.requests_per_address > 0 ? 1 : 0
  resource_arn = aws_lb.this.arn
  web_acl_arn  = aws_wafv2_web_acl.web[0].arn
}

resource "aws_lb_target_group" "web" {
  name                 = "${var.name}-web"
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = var.vpc_id
  deregistration_delay = 15
  tags                 = local.tags
  health_check {
    # The inner listener, which the balancer sends nobody to. Live, not ready: when Slack or the store is down, every copy is equally unready, and taking them all out would help nobody.
    port                = "8081"
    path                = "/health/live"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
    matcher             = "200"
  }
}

# TLS only: Slack calls no other, and there is no port 80 to be redirected from.
resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn
  tags              = local.tags
  # Metrics and readiness are for the inside.
  default_action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      message_body = "Not found"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "slack" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 10
  tags         = local.tags
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
  condition {
    path_pattern {
      values = ["/slack/*"]
    }
  }
}

resource "aws_route53_record" "web" {
  zone_id = var.zone_id
  name    = var.domain_name
  type    = "A"
  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = false
  }
}
