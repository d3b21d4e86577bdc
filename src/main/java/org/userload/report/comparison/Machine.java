package org.userload.report.comparison;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;

/** Where a comparison was made. */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record Machine(String kernel, String architecture, int cpus, String jvm) {
    /** This one. */
    public static Machine current() {
        return new Machine(
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                System.getProperty("os.arch"),
                Runtime.getRuntime().availableProcessors(),
                System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"));
    }
}
