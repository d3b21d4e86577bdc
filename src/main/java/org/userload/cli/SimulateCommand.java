package org.userload.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.userload.migration.MigrationMode;
import org.userload.migration.simulation.MachineCosts;
import org.userload.migration.simulation.SimulatedGuest;
import org.userload.migration.simulation.SimulatedMigration;
import org.userload.migration.simulation.Simulation;
import org.userload.report.JsonFile;
import org.userload.report.simulation.SimulationResult;
import org.userload.report.simulation.SimulationTable;
import org.userload.report.simulation.Validation;
import org.userload.report.simulation.ValidationTable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Says how the migration of a guest would go that is too large to try. */
@Command(
        name = "simulate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Answers: how would it go to move a guest of this size, this busy, over this link?",
            "",
            "Computes it in a moment: the policy is the one that 'replay' and the library move guests by, the pages are"
                    + " counted, the clock is computed. docs/simulation.md states the model, what it leaves out, and how"
                    + " far it was off where it could be tried.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  userload simulate --memory 128g --working-set 4g --dirty-rate 50000 --link 25gbit",
            "        every mode",
            "  userload simulate --memory 128g --free 60%% --dirty-rate 0 --link 10gbit/1ms --mode precopy",
            "        an idle guest that has freed most of its memory; once more with --hints off: what do hints save?",
            "  userload simulate --memory 64g --zero-fraction 0.5 --balloon 16g --poison aaaaaaaaaaaaaaaa",
            "        memory that was never used, memory that the host has back",
            "  userload simulate --memory 64g --working-set 8g --dirty-rate 500000 --mode precopy,hybrid"
                    + " --on-non-convergence throttle",
            "        a busy one: does it help to slow it down?",
            "  userload simulate --validate",
            "        the model against real migrations of small guests, here and now; takes some minutes",
            "",
            "Exit codes: 0 done, 1 a migration of --validate failed, 2 wrong usage."
        })
final class SimulateCommand implements Callable<Integer> {
    private static final int MAX_REPEAT = 100;
    private static final String ALL = "all";

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(
            names = "--mode",
            split = ",",
            paramLabel = "MODE",
            defaultValue = ALL,
            description = "Ways of moving, separated by commas: postcopy, precopy, hybrid, stopcopy, or all. Default:"
                    + " ${DEFAULT-VALUE}.")
    private List<String> modes = List.of();

    @Mixin
    private HintOptions hints = new HintOptions();

    @Mixin
    private PolicyOptions policy = new PolicyOptions();

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "Seed of when missing pages are touched. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--json", paramLabel = "FILE", description = "Also write the result as JSON.")
    private @Nullable Path json;

    @Option(
            names = "--validate",
            description = "Instead, move small guests really and compare. Only --repeat, --json and --no-progress"
                    + " matter then.")
    private boolean validate;

    @Option(
            names = "--repeat",
            paramLabel = "N",
            defaultValue = "3",
            description =
                    "--validate: real migrations of each case, 1 to " + MAX_REPEAT + ". Default: ${DEFAULT-VALUE}.")
    private int repeat;

    @Option(names = "--no-progress", description = "--validate: do not show progress.")
    private boolean noProgress;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        JsonFile jsonFile = json == null ? null : JsonFile.check(json);
        return validate ? validate(jsonFile) : simulate(jsonFile);
    }

    private int simulate(@Nullable JsonFile jsonFile) throws Exception {
        hints.check();
        SimulatedGuest guest = model.guest();
        MachineCosts costs = model.costs();
        List<SimulatedMigration> migrations = new ArrayList<>();
        for (MigrationMode mode : modes()) {
            migrations.add(Simulation.run(guest, model.link(), costs, hints.into(policy.plan(mode)), seed));
        }
        SimulationResult result = new SimulationResult(guest, hints.hints(), model.link(), costs, migrations);
        if (jsonFile != null) {
            jsonFile.write(result.json());
        }
        say(SimulationTable.of(result));
        return 0;
    }

    private Set<MigrationMode> modes() {
        Set<MigrationMode> chosen = new LinkedHashSet<>();
        ChoiceConverter<MigrationMode> converter = new ChoiceConverter<>(MigrationMode.class);
        for (String name : modes) {
            if (name.equalsIgnoreCase(ALL)) {
                chosen.addAll(List.of(MigrationMode.values()));
                continue;
            }
            try {
                chosen.add(converter.convert(name));
            } catch (picocli.CommandLine.TypeConversionException e) {
                throw new ParameterException(spec.commandLine(), "--mode: " + e.getMessage() + ", " + ALL, e);
            }
        }
        return chosen;
    }

    private int validate(@Nullable JsonFile jsonFile) throws Exception {
        if (repeat < 1 || repeat > MAX_REPEAT) {
            throw new ParameterException(
                    spec.commandLine(), "--repeat is 1 to " + MAX_REPEAT + " migrations of each case, not " + repeat);
        }
        Validation validation = new ValidationRuns(
                        repeat, noProgress ? null : spec.commandLine().getErr())
                .run();
        if (jsonFile != null) {
            jsonFile.write(validation.json());
        }
        say(ValidationTable.of(validation));
        return 0;
    }

    private void say(String text) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(text);
        out.flush();
    }
}
