package org.userload.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.userload.migration.MigrationPlan;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Whether a guest is asked for its free pages, and what these hold where they were not sent. */
final class HintOptions {
    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(
            names = "--hints",
            paramLabel = "on|off",
            defaultValue = "on",
            description = {
                "Ask the guest which of its pages are free, and do not send these. A page that is used again after it"
                        + " was named is sent: writes are tracked from before the question. Default: ${DEFAULT-VALUE}; off"
                        + " sends the old content of free pages like any other."
            })
    private OnOff hints = OnOff.ON;

    @Option(
            names = "--poison",
            paramLabel = "HEX",
            converter = PatternConverter.class,
            description = {
                "With --hints on: pages that were not sent are full of this 64-bit number where the guest goes on, as in a"
                        + " guest that fills its free memory with a pattern and checks it later. For example"
                        + " aaaaaaaaaaaaaaaa. Default: they are zero."
            })
    private @Nullable Long poison;

    /** A number of up to 16 hexadecimal digits, with or without {@code 0x}. */
    static final class PatternConverter implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            String digits = text.startsWith("0x") || text.startsWith("0X") ? text.substring(2) : text;
            if (!digits.matches("[0-9a-fA-F]{1,16}")) {
                throw new TypeConversionException("'" + text
                        + "' is not a pattern; write 1 to 16 hexadecimal digits, for example aaaaaaaaaaaaaaaa");
            }
            return Long.parseUnsignedLong(digits, 16);
        }
    }

    /** Refuses options that contradict each other. */
    void check() {
        if (poison != null && !hints()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--poison is what pages hold that were not sent because the guest had named them as free, and with"
                            + " --hints off every page is sent; leave --poison out or give --hints on");
        }
    }

    boolean hints() {
        return hints.isOn();
    }

    /** The plan with what was asked for. */
    MigrationPlan into(MigrationPlan plan) {
        return plan.withHints(hints()).withPoison(poison());
    }

    /** 0 for zero pages. */
    long poison() {
        return poison == null ? 0 : poison;
    }

    /** The same for another process. */
    List<String> arguments() {
        String asked = "--hints=" + hints;
        return poison == null ? List.of(asked) : List.of(asked, "--poison=" + Long.toHexString(poison));
    }
}
