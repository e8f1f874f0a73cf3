#!/usr/bin/env node
require('../dist/commands/launch.cjs').launch('pvmonitor');
