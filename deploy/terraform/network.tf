resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "DbAccess: Slack to the load balancer"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

resource "aws_security_group" "web" {
  name        = "${var.name}-web"
  description = "DbAccess: the web application"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

resource "aws_security_group" "functions" {
  name        = "${var.name}-functions"
  description = "DbAccess: the functions"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

locals {
  # Who goes to the databases: the functions, and the web application for what they leave undone.
  workers = { web = aws_security_group.web.id, functions = aws_security_group.functions.id }
  paths = { for path in setproduct(keys(local.workers), keys(var.databases)) :
    "${path[0]}-${path[1]}" => { worker = path[0], database = path[1] }
  }
}

resource "aws_vpc_security_group_ingress_rule" "slack" {
  for_each          = toset(var.slack_cidrs)
  security_group_id = aws_security_group.balancer.id
  description       = "Slack"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = each.value
}

resource "aws_vpc_security_group_egress_rule" "balancer" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "The web application"
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8081
  referenced_security_group_id = aws_security_group.web.id
}

resource "aws_vpc_security_group_ingress_rule" "web" {
  security_group_id            = aws_security_group.web.id
  description                  = "The load balancer"
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8081
  referenced_security_group_id = aws_security_group.balancer.id
}

# slack.com and AWS, over TLS. Neither has addresses that a rule could name.
resource "aws_vpc_security_group_egress_rule" "https" {
  for_each          = local.workers
  security_group_id = each.value
  description       = "Slack and AWS"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_egress_rule" "database" {
  for_each                     = local.paths
  security_group_id            = local.workers[each.value.worker]
  description                  = "Database cluster ${each.value.database}"
  ip_protocol                  = "tcp"
  from_port                    = var.databases[each.value.database].port
  to_port                      = var.databases[each.value.database].port
  referenced_security_group_id = var.databases[each.value.database].security_group_id
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  for_each                     = local.paths
  security_group_id            = var.databases[each.value.database].security_group_id
  description                  = "DbAccess ${each.value.worker}"
  ip_protocol                  = "tcp"
  from_port                    = var.databases[each.value.database].port
  to_port                      = var.databases[each.value.database].port
  referenced_security_group_id = local.workers[each.value.worker]
}
