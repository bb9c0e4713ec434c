"""Silver to gold: revenue by day and country, written anew for the days that orders came for."""

import sys

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as f

NAME = "summarise"  # what this pipeline is called in lake.yaml
DAYS = 7  # orders change for a while after they were placed


def main():
    args = getResolvedOptions(sys.argv, ["JOB_NAME"])
    glue = GlueContext(SparkContext.getOrCreate())
    spark = glue.spark_session
    job = Job(glue)
    job.init(args["JOB_NAME"], args)

    # Things of one lake differ in one word of their names.
    def database(thing):
        return "glue_catalog." + args["JOB_NAME"].replace(NAME, thing).replace("-", "_")

    revenue = (
        spark.table(f"{database('refined')}.orders")
        .withColumn("day", f.to_date("placed_at"))
        .where(f.col("day") >= f.date_sub(f.current_date(), DAYS))
        .groupBy("day", "country")
        .agg(
            f.count("*").alias("orders"),
            f.sum("amount").cast("decimal(18,2)").alias("revenue"),
        )
    )
    revenue.createOrReplaceTempView("recent")
    spark.sql(
        f"""
        merge into {database('marts')}.daily_revenue as stored using recent
        on stored.day = recent.day and stored.country = recent.country
        when matched then update set *
        when not matched then insert *
        """
    )
    job.commit()


if __name__ == "__main__":
    main()
