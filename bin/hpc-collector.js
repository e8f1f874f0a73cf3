#!/usr/bin/env node
require('../dist/commands/launch.cjs').launch('hpc-collector');
