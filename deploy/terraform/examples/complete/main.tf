# Everything around the module, in its smallest form: a network with two zones, and a security group that stands for an Aurora cluster's.
terraform {
  required_version = ">= 1.9"
  # Without it the state is a file in this folder. It holds no secret, but whoever loses it has to import everything.
  # backend "s3" {
  #   bucket       = "acme-terraform"
  #   key          = "dbaccess.tfstate"
  #   region       = "eu-west-1"
  #   encrypt      = true
  #   use_lockfile = true # Terraform 1.11 or later; before that dynamodb_table
  # }
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

variable "installation" {
  type        = string
  default     = "complete-example"
  description = "The tag on every role"
}

variable "domain_name" {
  type        = string
  default     = "dbaccess.example.com"
  description = "The name under which Slack calls"
}

variable "zone_id" {
  type        = string
  description = "The Route 53 zone that the name is in. It is there already: nothing can be validated or called in one that nobody delegates to"
}

variable "settings" {
  type        = map(string)
  default     = { Slack__TeamId = "T0DBACME1", Slack__AppId = "A0DBACCS1" }
  description = "Further settings, as environment variables"
}

variable "web_tasks" {
  type        = number
  default     = 2
  description = "How many copies of the web application run"
}

variable "image_uri" {
  type        = string
  description = "The image, by digest"
}

variable "function_package" {
  type        = string
  default     = null
  description = "The functions from a zip instead of the image (scripts/package-functions)"
}

variable "function_settings" {
  type        = map(string)
  default     = {}
  description = "Settings of the functions alone"
}

# A new account may run 10 functions at once and reserve none of them. Where the quota is 1000: 20 and 2, the module's own defaults.
variable "create_concurrency" {
  type        = number
  default     = -1
  description = "How many grants are worked on at once; -1 for no limit but the account's"
}

variable "expire_concurrency" {
  type        = number
  default     = -1
  description = "How many sweeps run at once; -1 for no limit but the account's"
}

variable "restored_table" {
  type        = string
  default     = null
  description = "A restored table that the roles may use, too"
}

variable "restart" {
  type        = string
  default     = ""
  description = "Any text; a new one starts everything anew"
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
      cloudwatch = endpoints.value
      dynamodb   = endpoints.value
      ec2        = endpoints.value
      ecs        = endpoints.value
      elbv2      = endpoints.value
      events     = endpoints.value
      iam        = endpoints.value
      kms        = endpoints.value
      lambda     = endpoints.value
      logs       = endpoints.value
      route53    = endpoints.value
      s3         = endpoints.value
      sqs        = endpoints.value
      sts        = endpoints.value
      wafv2      = endpoints.value
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

module "dbaccess" {
  source = "../.."

  installation       = var.installation
  vpc_id             = aws_vpc.this.id
  private_subnet_ids = aws_subnet.private[*].id
  public_subnet_ids  = aws_subnet.public[*].id
  databases          = { orders-prod = { security_group_id = aws_security_group.orders.id } }

  image_uri        = var.image_uri
  function_package = var.function_package == null ? null : { filename = var.function_package }
  domain_name      = var.domain_name
  zone_id          = var.zone_id
  certificate_arn  = var.certificate_arn
  settings         = var.settings
  web_tasks        = var.web_tasks

  function_settings  = var.function_settings
  create_concurrency = var.create_concurrency
  expire_concurrency = var.expire_concurrency
  restored_table     = var.restored_table
  restart            = var.restart

  deletion_protection = var.protected
  force_destroy       = !var.protected
}

output "dbaccess" {
  value = {
    url         = module.dbaccess.url
    table       = module.dbaccess.table
    bucket      = module.dbaccess.bucket
    log_key_arn = module.dbaccess.log_key_arn
    export      = module.dbaccess.export
    network     = module.dbaccess.network
    functions   = module.dbaccess.functions
    settings    = module.dbaccess.settings
  }
}
