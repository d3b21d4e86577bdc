package org.userload.report.comparison;

import java.time.Instant;
import java.util.List;

/**
 * What was asked for.
 *
 * @param trace its name; comes from the user
 * @param options the options of every run as the user gave them, such as {@code --link=1gbit}
 * @param modes compared, without the unmoved run
 * @param repeat runs of each mode
 */
public record Setup(
        String trace, List<String> options, List<ComparedMode> modes, int repeat, Instant started, Machine machine) {
    public Setup {
        options = List.copyOf(options);
        modes = List.copyOf(modes);
    }

    /** The value of an option, or another text if it was not given. */
    String option(String name, String otherwise) {
        String start = name + "=";
        return options.stream()
                .filter(option -> option.startsWith(start))
                .map(option -> option.substring(start.length()))
                .findFirst()
                .orElse(otherwise);
    }
}
