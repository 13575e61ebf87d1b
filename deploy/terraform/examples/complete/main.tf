# Everything around the module, in its smallest form: a network with two zones, and a security group that stands for an Aurora cluster's.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "region" {
  type        = string
  default     = "eu-west-1"
  description = "Where"
}

variable "endpoint" {
  type        = string
  default     = ""
  description = "AWS endpoint override (tests against a local emulator); empty in production"
}

variable "image_uri" {
  type        = string
  description = "The image, by digest"
}

variable "function_package" {
  type        = string
  default     = null
  description = "A zip instead of the image, for emulators"
}

variable "slack_secret_arn" {
  type        = string
  description = "The secret with bot_token and signing_secret"
}

variable "certificate_arn" {
  type        = string
  description = "The certificate for the name"
}

variable "protected" {
  type        = bool
  default     = true
  description = "False where everything is thrown away afterwards"
}

provider "aws" {
  region                      = var.region
  access_key                  = var.endpoint == "" ? null : "test"
  secret_key                  = var.endpoint == "" ? null : "test"
  skip_credentials_validation = var.endpoint != ""
  skip_metadata_api_check     = var.endpoint != ""
  s3_use_path_style           = var.endpoint != ""
  dynamic "endpoints" {
    for_each = var.endpoint == "" ? [] : [var.endpoint]
    content {
      cloudwatch     = endpoints.value
      dynamodb       = endpoints.value
      ec2            = endpoints.value
      ecs            = endpoints.value
      elbv2          = endpoints.value
      events         = endpoints.value
      iam            = endpoints.value
      kms            = endpoints.value
      lambda         = endpoints.value
      logs           = endpoints.value
      route53        = endpoints.value
      s3             = endpoints.value
      secretsmanager = endpoints.value
      sqs            = endpoints.value
      sts            = endpoints.value
    }
  }
}

resource "aws_vpc" "this" {
  cidr_block           = "10.20.0.0/16"
  enable_dns_hostnames = true
}

resource "aws_subnet" "public" {
  count             = 2
  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(aws_vpc.this.cidr_block, 8, count.index)
  availability_zone = "${var.region}${["a", "b"][count.index]}"
}

resource "aws_subnet" "private" {
  count             = 2
  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(aws_vpc.this.cidr_block, 8, 10 + count.index)
  availability_zone = "${var.region}${["a", "b"][count.index]}"
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_eip" "nat" {
  domain = "vpc"
}

resource "aws_nat_gateway" "this" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.public[0].id
  depends_on    = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id
}

resource "aws_route" "public" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id
}

resource "aws_route" "private" {
  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this.id
}

resource "aws_route_table_association" "public" {
  count          = 2
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "private" {
  count          = 2
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private.id
}

# In front of the Aurora cluster "orders-prod", wherever that is made.
resource "aws_security_group" "orders" {
  name   = "orders-prod"
  vpc_id = aws_vpc.this.id
}

resource "aws_route53_zone" "this" {
  name = "example.com"
}

module "dbaccess" {
  source = "../.."

  installation       = "complete-example"
  vpc_id             = aws_vpc.this.id
  private_subnet_ids = aws_subnet.private[*].id
  public_subnet_ids  = aws_subnet.public[*].id
  databases          = { orders-prod = { security_group_id = aws_security_group.orders.id } }

  image_uri        = var.image_uri
  function_package = var.function_package == null ? null : { filename = var.function_package }
  domain_name      = "dbaccess.example.com"
  zone_id          = aws_route53_zone.this.zone_id
  certificate_arn  = var.certificate_arn
  slack_secret_arn = var.slack_secret_arn
  settings         = { Slack__TeamId = "T0DBACME1", Slack__AppId = "A0DBACCESS" }

  deletion_protection = var.protected
  force_destroy       = !var.protected
}

output "dbaccess" {
  value = {
    url       = module.dbaccess.url
    table     = module.dbaccess.table
    bucket    = module.dbaccess.bucket
    functions = module.dbaccess.functions
    settings  = module.dbaccess.settings
  }
}
