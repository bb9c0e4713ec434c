"""Bronze to silver: types the exported orders and merges them into the table by order."""

import sys

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import Window
from pyspark.sql import functions as f

NAME = "refine"  # what this pipeline is called in lake.yaml


def main():
    args = getResolvedOptions(sys.argv, ["JOB_NAME"])
    glue = GlueContext(SparkContext.getOrCreate())
    spark = glue.spark_session
    job = Job(glue)
    job.init(args["JOB_NAME"], args)

    # Things of one lake differ in one word of their names: medallion-dev-refine, medallion-dev-bronze.
    def called(thing):
        return args["JOB_NAME"].replace(NAME, thing)

    table = f"glue_catalog.{called('refined').replace('-', '_')}.orders"

    exported = spark.read.json(f"s3://{called('bronze')}/orders/")
    latest = Window.partitionBy("order_id").orderBy(f.col("exported_at").desc())
    orders = (
        exported.withColumn("rank", f.row_number().over(latest))
        .where("rank = 1")
        .select(
            f.col("order_id").cast("bigint"),
            f.col("customer_id").cast("bigint"),
            f.upper("country").alias("country"),
            f.col("amount").cast("decimal(10,2)"),
            f.to_timestamp("placed_at").alias("placed_at"),
        )
        .where("order_id is not null and placed_at is not null")
    )

    orders.createOrReplaceTempView("incoming")
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
