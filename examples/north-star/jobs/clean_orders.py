"""Orders from the CRM, the partner and the corporate landing zone, merged into one table by order."""

import sys

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as f

NAME = "clean-orders"  # what this pipeline is called in lake.yaml
LANDING = "corp-landing"  # not the lake's own, so it is called the same everywhere


def main():
    args = getResolvedOptions(sys.argv, ["JOB_NAME"])
    glue = GlueContext(SparkContext.getOrCreate())
    spark = glue.spark_session
    job = Job(glue)
    job.init(args["JOB_NAME"], args)

    # Things of one lake differ in one word of their names: acme-dev-clean-orders, acme-dev-raw.
    def called(thing):
        return args["JOB_NAME"].replace(NAME, thing)

    def orders(path, number, email, country, placed_at):
        return spark.read.json(path).select(
            f.col(number).cast("bigint").alias("order_id"),
            f.lower(email).alias("email"),
            f.upper(country).alias("country"),
            f.to_timestamp(placed_at).alias("placed_at"),
        )

    raw = f"s3://{called('raw')}"
    incoming = (
        orders(f"{raw}/crm/orders/", "id", "contact_email", "country_code", "created_at")
        .unionByName(orders(f"{raw}/partner/", "order_no", "mail", "country", "ordered_at"))
        .unionByName(orders(f"s3://{LANDING}/orders/", "order_id", "email", "country", "placed_at"))
        .where("order_id is not null and placed_at is not null")
        .dropDuplicates(["order_id"])
    )
    incoming.createOrReplaceTempView("incoming")

    table = f"glue_catalog.{called('sales').replace('-', '_')}.orders"
    spark.sql(
        f"""
        merge into {table} as stored using incoming
        on stored.order_id = incoming.order_id
        when matched then update set *
        when not matched then insert *
        """
    )
    job.commit()


if __name__ == "__main__":
    main()
